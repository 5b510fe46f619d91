"""docker-compose.yml and the Dockerfile, checked without an engine.

The schema holds what we use of the Compose Specification: a key that is not listed here
is either misspelt or has to be looked up there and added.
"""

import re

import jsonschema
import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

TEXT = {"type": "string"}
LIST_OF_TEXT = {"type": "array", "items": TEXT, "minItems": 1}
DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image"],
    "properties": {
        "build": {"const": "."},
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:[\w.-]+$"},
        "init": {"type": "boolean"},
        "restart": {"enum": ["no", "unless-stopped"]},
        "command": LIST_OF_TEXT,
        # Values are text: YAML's numbers and booleans would arrive in another spelling.
        "environment": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
            # A name without a value hands the variable on where it is set.
            "additionalProperties": {"type": ["string", "null"]},
        },
        "volumes": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+:/[a-z/-]+$"}},
        # On this machine alone: Docker's own rules go past the machine's firewall.
        "ports": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"},
        },
        "profiles": LIST_OF_TEXT,
        "stop_grace_period": DURATION,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {
                    "condition": {
                        "enum": [
                            "service_started",
                            "service_healthy",
                            "service_completed_successfully",
                        ]
                    }
                },
            },
        },
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {
                "test": {**LIST_OF_TEXT, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
                "interval": DURATION,
                "timeout": DURATION,
                "retries": {"type": "integer", "minimum": 1},
            },
        },
    },
}
COMPOSE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services", "volumes"],
    "patternProperties": {"^x-": {"type": "object"}},
    "properties": {
        "services": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]+$"},
            "additionalProperties": SERVICE,
        },
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}
# Read by the S3 client itself, and by Python and the shell of the image.
READ_BY_OTHERS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_MAX_ATTEMPTS",
    "PATH",
    "PYTHONUNBUFFERED",
}


@pytest.fixture
def compose():
    return yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text("utf-8"))


@pytest.fixture
def portal_services(compose):
    return {name: s for name, s in compose["services"].items() if "build" in s}


def _names_read_by_settings() -> set[str]:
    source = (settings.BASE_DIR / "portal" / "settings.py").read_text("utf-8")
    return set(re.findall(r"""env(?:\.\w+)?\(\s*["']([A-Z0-9_]+)["']""", source))


def test_the_file_keeps_to_the_compose_specification(compose):
    jsonschema.Draft202012Validator(COMPOSE).validate(compose)


@pytest.mark.parametrize(
    ("key", "value"),
    [("enviroment", {}), ("restart", "sometimes"), ("ports", ["8000:8000"]), ("command", "sh")],
)
def test_a_slip_in_the_file_would_be_seen(compose, key, value):
    compose["services"]["web"][key] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(COMPOSE).validate(compose)


def test_web_worker_periodic_and_everything_they_need_are_there(compose):
    assert set(compose["services"]) == {
        *("web", "worker", "periodic", "migrate", "demo"),
        *("postgres", "redis", "storage", "bucket", "mail"),
    }


def test_every_image_is_pinned_to_a_version(compose):
    tags = {name: s["image"].rpartition(":")[2] for name, s in compose["services"].items()}

    assert [name for name, tag in tags.items() if not re.search(r"\d+\.\d+", tag)] == []


def test_every_wait_is_for_a_service_that_can_fulfil_it(compose):
    services = compose["services"]
    waits = [
        (name, needed, wait["condition"])
        for name, service in services.items()
        for needed, wait in service.get("depends_on", {}).items()
    ]

    for name, needed, condition in waits:
        assert needed in services, f"{name} waits for {needed}, which is not there"
        if condition == "service_healthy":
            assert "healthcheck" in services[needed], f"{needed} can never be healthy"
        if condition == "service_completed_successfully":
            assert services[needed]["restart"] == "no", f"{needed} never completes"


def test_every_named_volume_is_declared(compose):
    used = {v.partition(":")[0] for s in compose["services"].values() for v in s.get("volumes", [])}

    assert used == set(compose["volumes"])


def test_every_variable_given_to_the_portal_is_one_that_it_reads(portal_services):
    given = {name for s in portal_services.values() for name in s["environment"]}

    assert given - READ_BY_OTHERS - _names_read_by_settings() == set()


def test_every_variable_of_the_image_is_one_that_the_portal_reads():
    dockerfile = (settings.BASE_DIR / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    runtime = dockerfile.rpartition("\nFROM ")[2]
    assignments = " ".join(re.findall(r"^ENV (.+)$", runtime, re.MULTILINE))
    given = set(re.findall(r"(\w+)=", assignments))

    assert "VAR_DIR" in given
    assert given - READ_BY_OTHERS - _names_read_by_settings() == set()


def test_every_portal_process_is_a_command_that_exists(portal_services):
    started = {
        s["command"][2]
        for s in portal_services.values()
        if s["command"][:2] == ["python", "manage.py"]
    }

    assert started == {"serve", "db_worker", "run_due", "migrate", "seed_demo"}
    assert started <= set(get_commands())


def test_postgres_keeps_peoples_data_out_of_its_log(compose):
    command = compose["services"]["postgres"]["command"]

    assert "log_error_verbosity=terse" in command
    assert "log_parameter_max_length=0" in command
    assert "log_parameter_max_length_on_error=0" in command
