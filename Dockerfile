# The torch wheels bring CUDA with them, so a slim Python is base enough; the host needs only its driver
# and the NVIDIA container toolkit. Without a GPU the same image paints on the CPU.
FROM python:3.12-slim

# jemalloc: faster for torch on the CPU, and it gives memory back between models.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libjemalloc2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 studio \
    && mkdir -p /data /models \
    && chown studio:studio /data /models

WORKDIR /app

COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps -r requirements.lock

COPY app.py models.yaml LICENSE NOTICE ./
COPY assets/ assets/
COPY pocket/ pocket/
COPY presets/ presets/
COPY studio/ studio/

ENV LD_PRELOAD=libjemalloc.so.2 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HOME=/models \
    STUDIO_DATA=/data \
    STUDIO_HOST=0.0.0.0 \
    STUDIO_PORT=7860

USER studio
VOLUME ["/data", "/models"]
EXPOSE 7860

# Starting without a network takes seconds; the first minute is there for slow disks. Docker gives containers the
# proxy of its own settings, and that one cannot reach the inside of this.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from os import environ as e; from urllib.request import ProxyHandler, build_opener; \
build_opener(ProxyHandler({})).open('http://127.0.0.1:' + e['STUDIO_PORT'] + '/health', timeout=4)"]

CMD ["python", "app.py"]
