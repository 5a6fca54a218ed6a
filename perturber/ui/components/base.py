"""How a hand-written component is declared: its browser half is a React function in ``assets/``, without a build step.

The function component is ``window.perturber_components.<Name>``; it gets the properties below and ``setProps``, as
Dash's own components do, and uses the React that Dash brings (``window.React``).
"""

from typing import Any, ClassVar

from dash.development.base_component import Component as DashComponent

NAMESPACE = "perturber_components"


class Component(DashComponent):
    """Base of the hand-written components; a subclass names its properties.

    Attributes:
        properties: names of the properties, ``id`` and ``className`` aside.
    """

    properties: ClassVar[tuple[str, ...]] = ()

    _namespace = NAMESPACE
    _children_props: list[str] = []  # noqa: RUF012  # as Dash's base class declares them
    _base_nodes: list[str] = ["children"]  # noqa: RUF012
    _valid_wildcard_attributes: list[str] = []  # noqa: RUF012
    available_properties: list[str] = []  # noqa: RUF012
    available_wildcard_properties: list[str] = []  # noqa: RUF012

    def __init_subclass__(cls) -> None:
        cls._type = cls.__name__
        cls._prop_names = cls.available_properties = ["id", "className", *cls.properties]

    def __init__(self, **properties: Any) -> None:
        super().__init__(**{name: value for name, value in properties.items() if value is not None})
