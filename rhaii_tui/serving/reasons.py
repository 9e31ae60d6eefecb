"""What the reasons in conditions mean for a person, and where to look."""

from __future__ import annotations

from collections.abc import Mapping

_REASONS: Mapping[str, str] = {
    "MinimumReplicasUnavailable": "The replicas are not up. This reason hides every cause: look at the pods.",
    "Progressing": "The Deployment has just been created.",
    "ProgressDeadlineExceeded": "No replica was up within the Deployment's 10 minutes; a slow start may still succeed.",
    "FailedCreate": "Pods are refused on creation: quota or admission. The message names it.",
    "ConfigNotFound": "A KServe preset is missing: the operators are not completely installed.",
    "CombineBaseError": "KServe cannot merge its presets with this service: preset or field missing.",
    "Stopped": "The service carries the annotation serving.kserve.io/stop.",
    "GatewaysNotReady": "The gateway is missing or not programmed yet.",
    "RefsInvalid": "A gateway or route that the service names does not exist.",
    "HTTPRoutesNotReady": "The gateway has not accepted the route, or its backend does not resolve yet.",
    "HTTPRouteReconcileError": "KServe could not write the HTTPRoute; the message says why.",
    "GatewayPreconditionNotMet": "KServe waits for the gateway before it writes the route.",
    "WaitingForGateway": "No gateway has claimed the InferencePool yet.",
    "InferencePoolNotReady": "The gateway has not accepted the InferencePool.",
    "SchedulerReconcileError": "The endpoint picker's Deployment could not be written; see the message.",
    "ReconcileSingleNodeWorkloadError": "The replicas' Deployment could not be written; see the message.",
    "IstioDestinationRuleReconcileError": "KServe could not write the TLS rules for the gateway; is Istio installed?",
    "AddressNotAssigned": "The load balancer has no address yet; this takes one to two minutes.",
    "AddressNotUsable": "The gateway's address cannot be used: forwarding-rule quota or a taken address.",
    "NoResources": "The gateway's own pods are not running yet: look at them in its namespace.",
    "ListenersNotValid": "A listener of the Gateway is wrong; see its own conditions.",
    "InvalidParameters": "The Gateway's parametersRef ConfigMap is missing or wrong.",
    "NotAllowedByListeners": "The Gateway does not let routes of this namespace attach.",
    "NoMatchingParent": "The route names a gateway or listener that does not exist.",
    "BackendNotFound": "The route's backend does not exist: Service or InferencePool.",
    "InvalidKind": "The gateway does not know this backend kind: Istio runs without inference extension support.",
    "RefNotPermitted": "A reference into another namespace is not allowed there.",
    "EndpointPickerRefMissing": "The pool names no endpoint picker.",
    "InvalidExtensionRef": "The pool's endpoint picker Service does not exist.",
    "NotSupportedByParent": "This gateway does not support InferencePools.",
    "HTTPRouteNotAccepted": "The pool waits for its route to be accepted.",
    "Pending": "No controller has looked at it yet.",
}


def meaning_of(condition: str, reason: str) -> str:
    """A sentence for a condition's reason; empty when the reason is not in the table."""
    if condition == "PresetsCombined" and reason not in _REASONS and reason.endswith("Error"):
        return _REASONS["CombineBaseError"]
    return _REASONS.get(reason, "")
