"""The rows of promo codes and of the claims on them."""
