"""What the pages are about: accounts, payments, promo codes and all else, most of them declarations."""
