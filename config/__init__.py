"""How the service is put together and started; stays empty, so that the supervisor need not load Django or Celery."""
