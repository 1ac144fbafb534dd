"""What a Slurm job asks for, from KEY=VALUE on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PositiveFloat, PositiveInt
from pydantic import ValidationError as Invalid

from ..assignments import pairs
from ..errors import UsageError, nearest


def _minutes(text: Any) -> Any:
    """``90`` minutes, or ``1:30:00``."""
    clock = re.fullmatch(r"(\d+):(\d\d):(\d\d)", str(text))
    if clock is None:
        return text
    hours, minutes, seconds = map(int, clock.groups())
    return hours * 60 + minutes + (seconds > 0)


class SlurmOptions(BaseModel):
    """What each job asks for.

    Attributes:
        partition, account, qos, constraint: as for ``sbatch``; Slurm's own defaults if not given.
        time: minutes a job may take; a run that needs longer is queued again and resumed.
        memory: GB.
        cpus: cores; a run uses one.
        cluster: ``local`` runs jobs on this machine, to try it without a queue.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: Annotated[PositiveInt, BeforeValidator(_minutes)] = 60
    memory: PositiveFloat = 4
    cpus: PositiveInt = 1
    cluster: Literal["slurm", "local"] = "slurm"

    @classmethod
    def of(cls, assignments: Iterable[str]) -> SlurmOptions:
        """From ``--slurm`` arguments.

        Raises:
            UsageError: not KEY=VALUE, an unknown key, or a value that a key cannot have.
        """
        given = dict(pairs("--slurm", assignments))
        for key in given:
            if key not in cls.model_fields:
                raise UsageError(f"--slurm {key} is unknown: {nearest(key, cls.model_fields)}")
        try:
            return cls.model_validate(given)
        except Invalid as error:
            first = error.errors()[0]
            key = first["loc"][0]
            raise UsageError(
                f"--slurm {key}={given[str(key)]} is not valid: {first['msg']}."
            ) from error

    def places(self) -> dict[str, Any]:
        """Where jobs go, by submitit's names, as far as it was said."""
        known = {name: getattr(self, name) for name in ("partition", "account", "qos")}
        known["constraint"] = self.constraint
        return {name: value for name, value in known.items() if value is not None}
