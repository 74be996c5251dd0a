"""The environment, validated once at start. A wrong or missing value stops the start with the variable's name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SHORTEST_SECRET = 32
BROKERS = ("amqp://", "amqps://", "redis://", "rediss://")
_CONTENT = re.compile("HX[0-9a-fA-F]{32}")


class WeChatTemplate(BaseModel):
    """A template of a WeChat account for one notice in one language.

    `fields` are the template's own names with what stands in them: constant words, or "{text}" for the notice's.
    `kind`: a template message, or a notice that the patient has subscribed to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)
    kind: Literal["template", "subscription"] = "template"
    fields: dict[str, str] = {}


class Settings(BaseSettings):
    """Everything that is configured from outside. Field names are the environment variables, in any case."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", case_sensitive=False)

    database_url: SecretStr
    secret_key: SecretStr
    care_keys: SecretStr = Field(description="id:base64(32 bytes), comma separated; the first encrypts, all decrypt")
    care_token_key: SecretStr = Field(description="base64(32 bytes): keys the HMAC tokens that names are looked up by")
    public_url: str = "http://127.0.0.1:8000"
    care_environment: Literal["development", "production"] = "production"
    default_country: str = "US"
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_auth_token_previous: SecretStr = SecretStr("")
    twilio_sender: str = ""
    twilio_base_url: str = ""
    twilio_whatsapp_sender: str = ""
    twilio_whatsapp_templates: Annotated[Mapping[str, Mapping[str, str]], NoDecode] = Field(
        default_factory=dict, description='the content of each notice by language: {"notice-message": {"en": "HX…"}}'
    )
    twilio_rate: float = Field(default=0.0, ge=0, description="messages a second that the sender may hand over; 0: any")
    wechat_app_id: str = ""
    wechat_app_secret: SecretStr = SecretStr("")
    wechat_token: SecretStr = SecretStr("")
    wechat_aes_key: SecretStr = SecretStr("")
    wechat_aes_key_previous: SecretStr = SecretStr("")
    wechat_mode: Literal["secure", "compat", "plain"] = "secure"
    wechat_templates: Annotated[Mapping[str, Mapping[str, WeChatTemplate]], NoDecode] = Field(
        default={}, description="the template of each notice and language (or *)"
    )
    wechat_base_url: str = ""
    care_data_locations: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="countries where providers may keep what is sent; none is anywhere",
    )
    push_provider: str = Field(default="", pattern=r"^(|fcm|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")
    fcm_credentials: SecretStr = SecretStr("")
    fcm_base_url: str = ""
    redis_url: SecretStr = SecretStr("")
    bundles_directory: str = ""
    care_value_sets: str = Field(default="", description="a folder of FHIR ValueSet and CodeSystem files of one's own")
    care_sms_prices: Annotated[Mapping[str, tuple[Decimal, str]], NoDecode] = Field(
        default={}, description='what a part of an SMS costs by country: {"US": "0.0083 USD"}'
    )
    metrics_token: SecretStr = SecretStr("")
    care_simulator: bool = Field(default=False, description="phones in the browser, and a clock that can be moved")
    care_broker_url: SecretStr = SecretStr("")
    care_broker_prefix: str = Field(default="care", pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    # The workers' connections to the database are for so many; more work is for more processes.
    worker_threads: int = Field(default=4, ge=3, le=6)

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, value: SecretStr) -> SecretStr:
        """Accept the common spellings of a PostgreSQL address and speak psycopg 3 to it."""
        url = value.get_secret_value()
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                url = "postgresql+psycopg://" + url[len(prefix) :]
        if not url.startswith("postgresql+psycopg://"):
            raise ValueError("DATABASE_URL must name a PostgreSQL database")
        return SecretStr(url)

    @field_validator("care_simulator", mode="before")
    @classmethod
    def _only_in_development(cls, value: object, info: ValidationInfo) -> object:
        """In a hospital nobody writes as a patient, and the time is the time."""
        if value in ("", "0", None, False):
            return False
        if info.data.get("care_environment") != "development":
            raise ValueError("the simulator is for development and demonstrations: set CARE_ENVIRONMENT=development")
        return value

    @field_validator("twilio_whatsapp_templates", mode="before")
    @classmethod
    def _templates(cls, value: object) -> object:
        """JSON, or nothing. A wrong content id would be found out when a patient is not reached."""
        if not isinstance(value, str):
            return value
        found = json.loads(value or "{}")
        by_language = list(found.values()) if isinstance(found, dict) else [found]
        if not all(isinstance(one, dict) for one in by_language):
            raise ValueError("TWILIO_WHATSAPP_TEMPLATES names a content for each notice and language")
        contents = [content for one in by_language for content in one.values()]
        if not all(_CONTENT.fullmatch(str(content)) for content in contents):
            raise ValueError("TWILIO_WHATSAPP_TEMPLATES: a content is HX and 32 hexadecimal digits")
        return found

    @field_validator("wechat_mode")
    @classmethod
    def _encrypted(cls, value: str, info: ValidationInfo) -> str:
        """Whoever has seen one plain call of WeChat's can make up any text of any patient."""
        if value != "secure" and info.data.get("care_environment") != "development":
            raise ValueError("in production WeChat's messages must be encrypted: set WECHAT_MODE=secure")
        return value

    @field_validator("wechat_aes_key", "wechat_aes_key_previous")
    @classmethod
    def _aes_key(cls, value: SecretStr) -> SecretStr:
        """43 letters and digits, as the account's page shows it, or nothing."""
        key = value.get_secret_value()
        if key and not (len(key) == 43 and key.isascii() and key.isalnum()):
            raise ValueError("WECHAT_AES_KEY is the account's EncodingAESKey, 43 letters and digits")
        return value

    @field_validator("wechat_templates", mode="before")
    @classmethod
    def _wechat_templates(cls, value: object) -> object:
        """JSON, or nothing."""
        return json.loads(value or "{}") if isinstance(value, str) else value

    @field_validator("care_data_locations", mode="before")
    @classmethod
    def _countries(cls, value: object) -> object:
        """Two letters each, comma separated."""
        if not isinstance(value, str):
            return value
        named = frozenset(part.strip().upper() for part in value.split(",") if part.strip())
        if not all(len(one) == len("CN") and one.isalpha() and one.isascii() for one in named):
            raise ValueError("CARE_DATA_LOCATIONS names countries by two letters, comma separated: CN,HK")
        return named

    @field_validator("care_sms_prices", mode="before")
    @classmethod
    def _prices(cls, value: object) -> object:
        """JSON, or nothing: what is not known is not guessed."""
        if not isinstance(value, str):
            return value
        found = json.loads(value or "{}")
        parts = {country: str(price).split() for country, price in found.items()}
        try:
            return {country.upper(): (Decimal(amount), currency) for country, (amount, currency) in parts.items()}
        except (ValueError, InvalidOperation):
            raise ValueError(
                'CARE_SMS_PRICES names an amount and a currency by country: {"US": "0.0083 USD"}'
            ) from None

    @field_validator("care_broker_url")
    @classmethod
    def _broker(cls, value: SecretStr) -> SecretStr:
        """RabbitMQ or Redis, or nothing."""
        url = value.get_secret_value()
        if url and not url.startswith(BROKERS):
            raise ValueError("CARE_BROKER_URL must be amqp://, amqps://, redis:// or rediss://")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        """What signs sessions and forms must not be guessed."""
        if len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"SECRET_KEY needs at least {SHORTEST_SECRET} characters")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _long_or_none(cls, value: SecretStr) -> SecretStr:
        """None is: no metrics. A short one could be guessed."""
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"METRICS_TOKEN needs at least {SHORTEST_SECRET} characters, or none")
        return value

    @cached_property
    def secure_cookies(self) -> bool:
        """Cookies are for https only unless the public address is plain http (a laptop)."""
        return self.public_url.startswith("https://")
