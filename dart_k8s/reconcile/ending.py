"""Policy: what is taken away when nothing is to run."""

from dart_k8s.names import Stage, verifier_name

from .decision import VERIFIERS, Action, ApplyVerifiers, DeleteChild
from .facts import JobFact
from .view import View


def delete_job(job: JobFact) -> DeleteChild:
    """Deletes one Job, and no later one of its name."""
    return DeleteChild(kind="Job", name=job.name, uid=job.uid)


def end_jobs(view: View, *stages: Stage, ended: bool = False) -> tuple[Action, ...]:
    """Deletes the Jobs of these stages; those that have ended are kept for their logs unless `ended`."""
    jobs = [job for stage in stages for job in view.jobs(stage) if ended or not job.ended]
    return tuple(delete_job(job) for job in jobs)


def end_verifiers(view: View) -> tuple[Action, ...]:
    """Deletes the verification pods with all that belongs to them."""
    name, uid = verifier_name(view.wishes.name), view.wishes.uid
    found = [c for c in view.facts.children if c.kind in VERIFIERS and c.name == name and c.owner == uid]
    ours = sorted((c for c in found if not c.deleting), key=lambda child: child.kind)
    return tuple(DeleteChild(kind=child.kind, name=child.name, uid=child.uid) for child in ours)


def rest_verifiers(view: View) -> tuple[Action, ...]:
    """Takes the verification pods away and keeps what is needed to have them again."""
    name, uid = verifier_name(view.wishes.name), view.wishes.uid
    deployments = [c for c in view.facts.children if (c.kind, c.name, c.owner) == ("Deployment", name, uid)]
    at_work = any(c.replicas and not c.deleting for c in deployments)
    return (ApplyVerifiers(replicas=0, kinds=frozenset({"Deployment"})),) if at_work else ()


__all__ = ["delete_job", "end_jobs", "end_verifiers", "rest_verifiers"]
