"""What the modules of the basic path use of `typing`, which takes 10 ms to import.

Type checkers see the declarations of `typing`. At run time the names have the least meaning with
which the modules can be executed: their annotations are never evaluated, and an alias of a type is
`object`. The basic path are the modules that `import thinkwire` executes.
"""

from __future__ import annotations

#: Type checkers assume that a variable with this name is true.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any as Any
    from typing import Callable as Callable
    from typing import Literal as Literal
    from typing import NoReturn as NoReturn
    from typing import Optional as Optional
    from typing import Protocol as Protocol
    from typing import TypedDict as TypedDict
    from typing import TypeVar as TypeVar
    from typing import Union as Union
    from typing import overload as overload
else:

    class _Form:
        def __getitem__(self, parameters):
            return object

    Callable = Literal = Optional = Union = _Form()
    Any = NoReturn = Protocol = object

    class TypedDict(dict):
        """Knows the names of its keys, as in `typing`. All are optional."""

        __optional_keys__ = frozenset()

        def __init_subclass__(cls, total=False):
            cls.__optional_keys__ |= frozenset(cls.__annotations__)

    def TypeVar(name, bound=None):
        return object

    def overload(function):
        return function
