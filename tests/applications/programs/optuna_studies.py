"""What a user of optuna does: run studies, look at them, go on; run by its own Python.

    optuna_studies.py schema|create|dump|more URL

`dump` prints everything that optuna knows of the storage as JSON, the same for the same content.
"""

import json
import sys

import optuna


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -10, 10)
    rate = trial.suggest_float("rate", 1e-9, 1e-1, log=True)
    layers = trial.suggest_int("layers", 1, 64, step=3)
    kind = trial.suggest_categorical("kind", ["adam", "sgd", None, 3, True])
    trial.set_user_attr("note", {"about": "ümlaut 'quoted' \\N \t", "layers": layers})
    for step in range(4):
        trial.report([float("inf"), float("nan"), x * step / 3, -float("inf")][step], step)
    if trial.number % 5 == 3:
        raise optuna.TrialPruned
    if trial.number % 7 == 6:
        raise ValueError(f"trial {trial.number} fails")
    if trial.number == 11:
        return float("inf")
    return x * x + rate + layers + (kind == "sgd")


def two_objectives(trial: optuna.Trial) -> tuple[float, float]:
    x = trial.suggest_float("x", 0, 1)
    return x, 1 / 3 - x


def create(storage: optuna.storages.BaseStorage) -> None:
    sampler = optuna.samplers.RandomSampler(seed=1)
    one = optuna.create_study(storage=storage, study_name="Losses, “first”", sampler=sampler)
    one.set_user_attr("owner", "maya")
    one.enqueue_trial({"x": 1.5})
    one.optimize(objective, n_trials=25, catch=(ValueError,))
    two = optuna.create_study(
        storage=storage, study_name="pareto", directions=["minimize", "maximize"], sampler=sampler
    )
    two.optimize(two_objectives, n_trials=10)
    two.set_metric_names(["cost", "gain"])
    one.ask()  # a trial that is running while the storage moves
    optuna.create_study(storage=storage, study_name="empty")
    optuna.create_study(storage=storage, study_name="forgotten")
    optuna.delete_study(study_name="forgotten", storage=storage)


def more(storage: optuna.storages.BaseStorage) -> None:
    """Goes on where the studies stood, and begins a new one."""
    study = optuna.load_study(study_name="Losses, “first”", storage=storage)
    before = {
        trial._trial_id for one in optuna.get_all_study_names(storage) for trial in all_trials(one, storage)
    }
    study.tell(25, 0.25)
    study.optimize(objective, n_trials=9, catch=(ValueError,))
    assert study.best_trial.number == 25, study.best_trial
    assert [trial.number for trial in study.trials] == list(range(35))
    fresh = optuna.create_study(storage=storage, study_name="after the move")
    fresh.optimize(objective, n_trials=2)
    after = {
        trial._trial_id for one in optuna.get_all_study_names(storage) for trial in all_trials(one, storage)
    }
    assert before < after
    assert len(after - before) == 11


def all_trials(study: str, storage: optuna.storages.BaseStorage) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=study, storage=storage).trials


def dump(storage: optuna.storages.BaseStorage) -> object:
    return [
        {
            "name": summary.study_name,
            "id": summary._study_id,
            "directions": [one.name for one in summary.directions],
            "user_attrs": summary.user_attrs,
            "started": str(summary.datetime_start),
            "trials": [
                {
                    "id": trial._trial_id,
                    "number": trial.number,
                    "state": trial.state.name,
                    "values": repr(trial.values),
                    "params": trial.params,
                    "distributions": {name: repr(one) for name, one in trial.distributions.items()},
                    "intermediate": repr(sorted(trial.intermediate_values.items())),
                    "user_attrs": trial.user_attrs,
                    "system_attrs": trial.system_attrs,
                    "started": str(trial.datetime_start),
                    "ended": str(trial.datetime_complete),
                }
                for trial in all_trials(summary.study_name, storage)
            ],
        }
        for summary in sorted(optuna.get_all_study_summaries(storage), key=lambda one: one._study_id)
    ]


def main() -> None:
    verb, url = sys.argv[1:]
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    storage = optuna.storages.RDBStorage(url)  # makes the schema where there is none
    if verb == "dump":
        json.dump(dump(storage), sys.stdout, indent=1, sort_keys=True)
    elif verb != "schema":
        {"create": create, "more": more}[verb](storage)


main()
