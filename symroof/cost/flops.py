"""Where operations become FLOP, under the counting rules' symbols: nowhere else."""

from symroof import symbols as s
from symroof.cost.cost import Quantity


def dots(products: Quantity, outputs: Quantity) -> Quantity:
    """FLOP of `outputs` dot products of `products` multiplications together: 2 a product, less `sigma` an output."""
    return 2 * products - s.sigma * outputs


def elementwise(operations: Quantity) -> Quantity:
    """FLOP of operations that are no matmul, `phi` each."""
    return s.phi * operations
