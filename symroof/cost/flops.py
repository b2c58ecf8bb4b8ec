"""Where the operations of all operators become FLOP, under the symbols of the counting rules.

Graphs of other tools (`reference_tools`) count as those tools do.
"""

from symroof import symbols as s
from symroof.cost.cost import Quantity


def dots(products: Quantity, outputs: Quantity) -> Quantity:
    """FLOP of `outputs` dot products with `products` multiplications in all: 2 per product, less `sigma` per output."""
    return 2 * products - s.sigma * outputs


def elementwise(operations: Quantity) -> Quantity:
    """FLOP of operations outside matmuls, `phi` each."""
    return s.phi * operations
