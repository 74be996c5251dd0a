"""The watchdog's own settings, all WATCHDOG_…; only the database's address may be the others'."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class WatchdogSettings(BaseSettings):
    """Field names with WATCHDOG_ before them are the environment variables. Times are seconds."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHDOG_", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    database_url: SecretStr = Field(validation_alias=AliasChoices("WATCHDOG_DATABASE_URL", "DATABASE_URL"))
    environment: Literal["development", "production"] = Field(
        default="production", validation_alias=AliasChoices("WATCHDOG_ENVIRONMENT", "CARE_ENVIRONMENT")
    )
    name: str = Field(default="Care", max_length=60)
    to: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_sender: str = ""
    twilio_base_url: str = ""
    command: str = ""
    web_url: str = ""
    every: float = Field(default=10, gt=0)
    repeat: float = Field(default=900, gt=0)
    silent: float = Field(default=60, gt=0)
    away: float = Field(default=30, gt=0)
    page: float = Field(default=120, gt=0)
    overdue: float = Field(default=900, gt=0)

    @field_validator("database_url")
    @classmethod
    def _libpq(cls, value: SecretStr) -> SecretStr:
        """The address as psycopg reads it, whichever of the common spellings it came in."""
        scheme, mark, rest = value.get_secret_value().partition("://")
        if not mark or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("it must name a PostgreSQL database")
        return SecretStr("postgresql://" + rest)

    @model_validator(mode="after")
    def _whole(self) -> WatchdogSettings:
        """Numbers without the account that would text them are a mistake, not a wish for silence."""
        account = (self.twilio_account_sid, self.twilio_auth_token.get_secret_value(), self.twilio_sender)
        if any((self.to, *account)) and not all((self.to, *account)):
            raise ValueError("WATCHDOG_TO and the three WATCHDOG_TWILIO_… belong together: all of them or none")
        return self

    @property
    def numbers(self) -> list[str]:
        """Whom to text, from a list with commas."""
        return [one.strip() for one in self.to.split(",") if one.strip()]
