"""Numbers as they are printed."""


def says(value, text):
    """Whether a number is the printed one, rounded or cut off after its last digit that is no trailing zero."""
    digits = text.replace(",", "")
    whole, _, rest = digits.partition(".")
    unit = 10.0 ** (-len(rest) if rest else len(whole) - len(whole.rstrip("0")))
    return float(digits) - unit / 2 <= value < float(digits) + unit
