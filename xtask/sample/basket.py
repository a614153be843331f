"""Prices a basket of goods."""


def total(prices, discount_percent=0):
    """Returns the sum of the prices, less the discount."""
    amount = sum(prices)
    return amount - discount_percent
