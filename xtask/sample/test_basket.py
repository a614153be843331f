"""What a basket costs."""

import unittest

from basket import total


class Total(unittest.TestCase):
    def test_adds_the_prices(self):
        self.assertEqual(total([50, 150]), 200)

    def test_takes_the_discount_as_a_percentage(self):
        self.assertEqual(total([50, 150], discount_percent=10), 180)


if __name__ == "__main__":
    unittest.main()
