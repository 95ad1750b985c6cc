"""What a user of mlflow does: log runs, register models, look at them, go on; run by its own Python.

    mlflow_runs.py create|dump|more URL

`dump` prints everything that mlflow's client shows of the store as JSON, the same for the same content.
"""

import json
import math
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentSource,
    AssessmentSourceType,
    Dataset,
    DatasetInput,
    Feedback,
    InputTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)


def create(client: MlflowClient) -> None:
    for number in range(3):
        experiment = client.create_experiment(
            f"experiment “{number}”",
            artifact_location="file:///tmp/artifacts",
            tags={"team": "ümlaut \\N \t x"},
        )
        for one in range(8):
            log_run(client, experiment, one)
        trace(client, experiment)
    client.delete_experiment(experiment)
    default = client.search_runs(["1"])[0]
    client.delete_run(default.info.run_id)
    for name in ("Ranker", "Classifier v2"):
        client.create_registered_model(
            name, tags={"stage": "draft"}, description=f"model {name}, 100 % 'quoted'"
        )
        for _ in range(2):
            version = client.create_model_version(
                name, source="file:///tmp/artifacts/model", run_id=client.search_runs(["2"])[0].info.run_id
            )
            client.set_model_version_tag(name, version.version, "checked", "yes")
        client.set_registered_model_alias(name, "champion", 1)


def trace(client: MlflowClient, experiment: str) -> None:
    """A traced call with what a person and a judge said of it, and a logged model."""
    root = client.start_trace("answer", inputs={"question": "wie heißt du?"}, experiment_id=experiment)
    span = client.start_span("search", root.trace_id, root.span_id, inputs={"words": ["a", None, 1.5]})
    client.end_span(root.trace_id, span.span_id, outputs={"found": 3})
    client.end_trace(root.trace_id, outputs="“Maya”", attributes={"tokens": 12})
    mlflow.flush_trace_async_logging()
    source = AssessmentSource(AssessmentSourceType.HUMAN, "maya")
    for name, value in (("right", True), ("score", 0.25), ("why", "it's so")):
        mlflow.log_assessment(root.trace_id, Feedback(name=name, value=value, source=source))
    model = client.create_logged_model(experiment, name="ranker", tags={"kind": "x"}, params={"depth": "3"})
    client.finalize_logged_model(model.model_id, "READY")


def traces(client: MlflowClient, experiments: list[str]) -> list[dict]:
    found = client.search_traces(locations=experiments, max_results=100)
    return sorted((one.to_dict() for one in found), key=lambda one: one["info"]["trace_id"])


def log_run(client: MlflowClient, experiment: str, number: int) -> str:
    run = client.create_run(experiment, run_name=f"run {number}", tags={"mlflow.user": "maya"}).info.run_id
    values = [0.1 * number, math.nan, math.inf, -math.inf, 1e-300, 1 / 3, 2.0**60]
    metrics = [Metric("loss", value, 1_700_000_000_000 + step, step) for step, value in enumerate(values)]
    params = [Param("rate", str(10.0**-number)), Param("layers", str(number)), Param("text", "a\nb\\c")]
    client.log_batch(run, metrics, params, [RunTag("long", "é" * 2000)])
    dataset = Dataset(
        name="wine", digest=f"d{number}", source_type="local", source='{"uri": "wine.csv"}', schema="{}"
    )
    client.log_inputs(run, [DatasetInput(dataset, [InputTag("context", "train")])])
    if number % 3:
        client.set_terminated(run, "FINISHED" if number % 2 else "FAILED")
    return run


def more(client: MlflowClient) -> None:
    """Goes on with an experiment and a model, and begins new ones."""
    before = {one.experiment_id for one in client.search_experiments(view_type=ViewType.ALL)}
    run = log_run(client, "1", 100)
    assert client.get_run(run).data.params["layers"] == "100"
    assert client.search_runs(["1"], "params.layers = '100'")[0].info.run_id == run
    best = client.search_runs(["1"], "metrics.loss > 0", order_by=["metrics.loss DESC"], max_results=3)
    assert len(best) == 3
    fresh = client.create_experiment("after the move", artifact_location="file:///tmp/artifacts")
    assert fresh not in before, (fresh, before)
    log_run(client, fresh, 1)
    version = client.create_model_version("Ranker", source="file:///tmp/artifacts/model", run_id=run)
    assert int(version.version) == 3, version
    client.restore_experiment("3")
    client.set_registered_model_alias("Ranker", "champion", 3)
    assert client.get_model_version_by_alias("Ranker", "champion").run_id == run


def dump(client: MlflowClient) -> object:
    experiments = client.search_experiments(view_type=ViewType.ALL, order_by=["experiment_id ASC"])
    ids = [one.experiment_id for one in experiments]
    runs = client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000)
    models = client.search_registered_models(order_by=["name ASC"])
    return {
        "experiments": [dict(one) | {"tags": dict(one.tags)} for one in experiments],
        "runs": sorted((run(client, one) for one in runs), key=lambda one: one["info"]["run_id"]),
        "traces": traces(client, ids),
        "logged models": sorted(
            (one.to_dictionary() for one in client.search_logged_models(ids)), key=lambda one: one["model_id"]
        ),
        "models": [described(client, one) for one in models],
    }


def run(client: MlflowClient, one: mlflow.entities.Run) -> dict:
    return {
        "info": dict(one.info),
        "params": dict(one.data.params),
        "tags": dict(one.data.tags),
        "last": {name: repr(value) for name, value in sorted(one.data.metrics.items())},
        "history": [
            (repr(point.value), point.timestamp, point.step)
            for point in sorted(
                client.get_metric_history(one.info.run_id, "loss"), key=lambda point: point.step
            )
        ],
        "inputs": one.inputs.to_dictionary(),
    }


def described(client: MlflowClient, model: mlflow.entities.model_registry.RegisteredModel) -> dict:
    versions = client.search_model_versions(f"name = '{model.name}'")
    return {
        "name": model.name,
        "description": model.description,
        "tags": dict(model.tags),
        "aliases": dict(model.aliases),
        "created": model.creation_timestamp,
        "versions": sorted(
            (
                {
                    "version": int(one.version),
                    "run": one.run_id,
                    "tags": dict(one.tags),
                    "source": one.source,
                    "created": one.creation_timestamp,
                    "stage": one.current_stage,
                }
                for one in versions
            ),
            key=lambda one: one["version"],
        ),
    }


def main() -> None:
    verb, url = sys.argv[1:]
    mlflow.set_tracking_uri(url)
    client = MlflowClient(registry_uri=url)
    if verb == "dump":
        json.dump(dump(client), sys.stdout, indent=1, sort_keys=True, default=str)
    else:
        {"create": create, "more": more}[verb](client)


main()
