"""The rules of `deploy/prometheus/rules` for the Prometheus operator: `make docs` writes the manifest."""

import sys

import yaml

from support.monitoring_files import RULE_FILES, read_yaml
from support.reference_data import REPOSITORY

MANIFEST = REPOSITORY / "deploy" / "kubernetes" / "components" / "monitoring" / "rules.yaml"
HEAD = "# Made from deploy/prometheus/rules by `make docs`.\n"


def prometheus_rule() -> str:
    """Return the manifest, a PrometheusRule with the groups of all rule files."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "horde-model-reference"},
        "spec": {"groups": [group for file in RULE_FILES for group in read_yaml(file)["groups"]]},
    }
    return HEAD + yaml.safe_dump(resource, sort_keys=False, width=110, allow_unicode=True)


if __name__ == "__main__":
    sys.stdout.write(prometheus_rule())
