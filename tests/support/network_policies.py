"""Who may talk to whom by the NetworkPolicies of manifests, between pods of one namespace and from others."""

from typing import Any

Labels = dict[str, str]
Policy = dict[str, Any]


def selects(selector: dict[str, Any], labels: Labels) -> bool:
    """Whether a selector of labels means somebody with these."""
    same = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return same and all(_fits(one, labels) for one in selector.get("matchExpressions", ()))


def _fits(expression: dict[str, Any], labels: Labels) -> bool:
    if expression["operator"] != "In":
        raise NotImplementedError(expression["operator"])
    return labels.get(expression["key"]) in expression["values"]


def may_send(policies: list[Policy], source: Labels, target: Labels, port: int) -> bool:
    """Whether a pod may open a connection to a pod, and that one takes it."""
    return _allows(policies, "egress", source, target, port) and _allows(
        policies, "ingress", target, source, port
    )


def lets_in(policies: list[Policy], namespace: str, target: Labels, port: int) -> bool:
    """Whether a pod takes connections of every pod in another namespace."""
    wanted = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return any(
        wanted in rule.get("from", [wanted]) and _has_port(rule, port)
        for rule in _rules(policies, "ingress", target)
    )


def _allows(policies: list[Policy], way: str, owner: Labels, other: Labels, port: int) -> bool:
    peers = "to" if way == "egress" else "from"
    return any(
        _has_port(rule, port)
        and any(
            selects(peer["podSelector"], other)
            for peer in rule.get(peers, [{"podSelector": {}}])
            if "podSelector" in peer
        )
        for rule in _rules(policies, way, owner)
    )


def _rules(policies: list[Policy], way: str, owner: Labels) -> list[dict[str, Any]]:
    return [
        rule for policy in policies if selects(policy["podSelector"], owner) for rule in policy.get(way, ())
    ]


def _has_port(rule: dict[str, Any], port: int) -> bool:
    return "ports" not in rule or port in {one["port"] for one in rule["ports"]}
