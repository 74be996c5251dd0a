"""The application that gunicorn, the `flask` command and the scheduler load."""

from care_api.app import create_app
from care_api.embedded import settings_of_a_laptop

app = create_app(settings_of_a_laptop())
