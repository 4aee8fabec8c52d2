# The service without its development part: no embedded PostgreSQL, no fake providers. It is given a DATABASE_URL.

FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/creditd
COPY requirements-build.lock requirements-runtime.lock ./
# Everything is fetched by hash, the build backend too, so the last step needs no network.
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
 && /opt/creditd/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements-runtime.lock
COPY pyproject.toml ./
COPY generated/python generated/python
COPY src src
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && /opt/creditd/bin/pip install --no-deps --no-index dist/*.whl \
 && rm -r /opt/creditd/lib/python3.11/site-packages/creditd/development \
 && /opt/creditd/bin/python -m compileall -q /opt/creditd/lib \
 && /opt/creditd/bin/pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim
COPY --from=build /opt/creditd /opt/creditd
ENV PATH=/opt/creditd/bin:$PATH \
    PYTHONUNBUFFERED=1
# A number rather than a name, so that Kubernetes can see for itself that it is not root.
USER 10001:10001
WORKDIR /tmp
# The service; the webhook adapter and the console: the same image with the command `webhooks` or `console`.
EXPOSE 50051 8080 8081
# Whether it is alive and ready is asked by Kubernetes, over gRPC: no HEALTHCHECK.
ENTRYPOINT ["creditd"]
CMD ["serve"]
