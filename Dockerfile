# syntax=docker/dockerfile:1
#
#   docker build -t frcrn .
#   docker run --rm --gpus all -p 7860:7860 frcrn
#
# The base is plain Python, not nvidia/cuda: torch's wheels for Linux bring the CUDA libraries along
# (a CUDA base would hold them a second time), and the driver comes in from the host with --gpus.
# Without --gpus the same image runs on the CPU; for that alone, a far smaller image:
#
#   docker build --build-arg TORCH=cpu -t frcrn .

FROM python:3.11-slim-bookworm AS install
# pesq has no wheels: a compiler, and Python's headers, which the base has.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY Makefile requirements.txt requirements-dev.txt ./
ARG TORCH=default
# The virtual environment lies where it will run: its scripts name their interpreter by full path.
RUN make setup TORCH="$TORCH" PIP_FLAGS=--no-cache-dir PYTHON=python3.11 VENV=/app/.venv

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 frcrn
WORKDIR /app
COPY --from=install /app/.venv .venv
COPY app.py LICENSE ./
COPY frcrn_app frcrn_app
COPY weights weights
COPY examples examples
# Open to any user, so that `docker run --user` can match the owner of a mounted folder. For the
# same reason caches lie in /tmp and USER is set: not every user id has a home or a name.
RUN mkdir input output fetched-weights \
    && chmod 1777 input output fetched-weights
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    FRCRN_HOST=0.0.0.0 \
    FRCRN_PORT=7860 \
    FRCRN_WEIGHTS_DIR=/app/fetched-weights \
    GRADIO_TEMP_DIR=/tmp/gradio \
    GRADIO_ANALYTICS_ENABLED=False \
    XDG_CACHE_HOME=/tmp/cache \
    HF_HOME=/tmp/huggingface \
    USER=frcrn
USER frcrn
VOLUME ["/app/input", "/app/output", "/app/fetched-weights"]
EXPOSE 7860
# Whether a tiny job passes the network; the certificate, if there is one, names another host.
HEALTHCHECK --start-period=60s --interval=30s --timeout=25s \
    CMD ["python", "-c", "import os, ssl, urllib.request as u; s = 's' if os.environ.get('FRCRN_SSL_CERTFILE') else ''; u.urlopen(f\"http{s}://127.0.0.1:{os.environ['FRCRN_PORT']}/healthz\", timeout=24, context=ssl._create_unverified_context() if s else None)"]
CMD ["python", "app.py"]
