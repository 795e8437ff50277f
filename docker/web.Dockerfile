# The web tier: one image for the site, the keeper and the migrations. No torch.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

# Requirements first: they change less often than the code. Each has its hash.
COPY locks/web.txt locks/web.txt
RUN pip install --only-binary=:all: --require-hashes -r locks/web.txt

RUN useradd --system --uid 10001 --create-home chatsite \
    && install --directory --owner=chatsite /data
COPY manage.py catalog.toml ./
COPY launch launch
COPY chatsite chatsite
COPY chat chat
COPY templates templates
COPY locale locale
COPY static static
COPY styles styles
# Into the image, where whitenoise finds them. The key made for it goes with its folder.
RUN DATA_DIR=/tmp/build STATIC_ROOT=/app/collected \
    python manage.py collectstatic --no-input --verbosity 0 \
    && rm -r /tmp/build

ENV DATA_DIR=/data STATIC_ROOT=/app/collected BIND=0.0.0.0 PORT=8000
USER 10001
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "--config", "python:launch.gunicorn_config", "chatsite.wsgi:application"]
