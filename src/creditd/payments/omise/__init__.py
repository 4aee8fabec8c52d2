"""Omise: PromptPay QR codes, cards and payment links."""
