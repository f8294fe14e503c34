# The images of the stack: the locked environment, the project, a user without rights. `warehouse` is that of all
# services of Airflow, `spark` the same with Java and Spark's environment, for builds on Apache Spark.
# `docker compose build` makes them. The packages are those of the tests, without the tools of development: wheels
# only, each by its hash. To fix the base image too, set WAREHOUSE_PYTHON_IMAGE to a name with a digest
# (`docker buildx imagetools inspect python:3.11-slim-bookworm` prints it).

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS environment
RUN python -m venv /opt/venv
COPY requirements-runtime.lock /tmp/requirements-runtime.lock
RUN /opt/venv/bin/python -m pip install --disable-pip-version-check --no-cache-dir --require-hashes --no-deps \
    --only-binary :all: -r /tmp/requirements-runtime.lock

FROM ${PYTHON_IMAGE} AS spark-environment
RUN python -m venv /opt/venv-spark
COPY requirements-spark.lock /tmp/requirements-spark.lock
# PySpark has no wheel: it is built from its archive, which has the same hash everywhere.
RUN /opt/venv-spark/bin/python -m pip install --disable-pip-version-check --no-cache-dir --require-hashes --no-deps \
    --only-binary :all: --no-binary pyspark -r /tmp/requirements-spark.lock

FROM ${PYTHON_IMAGE} AS warehouse
# The directories that become volumes: a fresh named volume takes their owner.
RUN useradd --uid 50000 --user-group --home-dir /srv/airflow --shell /usr/sbin/nologin warehouse \
 && install -d -o 50000 -g 50000 /srv/airflow /srv/airflow/logs /srv/warehouse
COPY --from=environment /opt/venv /opt/venv
COPY docker /opt/warehouse/docker
COPY warehouse /opt/warehouse/warehouse
COPY dbt_project /opt/warehouse/dbt_project
COPY expectations /opt/warehouse/expectations
COPY dags /opt/warehouse/dags
# Compiled once: the file system of the containers is read-only.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash \
    /opt/warehouse/docker /opt/warehouse/warehouse /opt/warehouse/dags
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONPATH=/opt/warehouse
ENV PYTHONDONTWRITEBYTECODE=1
ENV PYTHONUNBUFFERED=1
ENV LANG=C.UTF-8
# What a release's manifest calls `git_revision`: the image holds no checkout.
ARG WAREHOUSE_REVISION=unknown
ENV WAREHOUSE_REVISION=$WAREHOUSE_REVISION
LABEL org.opencontainers.image.title="Services Trade Warehouse" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=$WAREHOUSE_REVISION
WORKDIR /srv/airflow
USER 50000:50000
ENTRYPOINT ["python", "/opt/warehouse/docker/secret.py", "start", "/run/secrets"]
CMD ["airflow", "version"]

# Driver, master and workers are of one image: the Python of all is of the same version.
FROM warehouse AS spark
USER root
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openjdk-17-jre-headless procps \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 50000 -g 50000 /srv/spark
COPY --from=spark-environment /opt/venv-spark /opt/venv-spark
COPY spark_adapter /opt/warehouse/spark_adapter
RUN /opt/venv-spark/bin/python -m compileall -q --invalidation-mode unchecked-hash \
    /opt/warehouse/spark_adapter
USER 50000:50000
