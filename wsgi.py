"""What a WSGI server loads: ``granian --interface wsgi wsgi:application``."""

from app import create_app
from portico import config

settings = config.load()
# Without a key nothing is served, and the server says so at once.
_ = settings.newest_key
application = create_app(settings)
