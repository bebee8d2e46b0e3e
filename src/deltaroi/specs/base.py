"""Words that all sections share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | bool | int | float
Point = tuple[float, float, float]
Hemisphere = Literal["L", "R", "B"]
SIDES: tuple[Hemisphere, ...] = ("L", "R", "B")
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class Spec(BaseModel):
    """Base of all sections: closed, frozen, strict about types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
