"""Runs the official SDK against the server at TINKER_BASE_URL and prints PASS, FAIL or SKIP for each check."""

import logging
import sys
import warnings

import tinker

import command_line
import custom_loss
import rest
import sampling
import training
from report import Report
from support import connect


class Collected(logging.Handler):
    """Keeps what the SDK logs as a warning or worse."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def check_background(report, service, log):
    """What goes on unseen: telemetry, which the SDK drops with a warning where an answer is not as it should be."""
    with report.check("telemetry and heartbeats") as compared:
        telemetry = service.get_telemetry()
        compared.true("an event is queued", telemetry.log("interop", event_data={"check": "telemetry"}))
        telemetry._trigger_flush()
        compared.true("all events were sent", telemetry._wait_until_drained_sync())
        unseen = [line for line in log.lines if "elemetry" in line or "eartbeat" in line]
        compared.equal("warnings about them", unseen, [])


def main():
    warnings.simplefilter("ignore")
    log = Collected()
    logging.basicConfig(handlers=[log])
    report = Report()
    print(f"tinker {tinker.__version__}")
    service = connect(user_metadata={"suite": "interop"})
    training.check_creation(report, service)
    training.check_losses(report, service)
    training.check_optimizer(report, service)
    training.check_chunks(report, service)
    training.check_states(report, service)
    custom_loss.check_custom_losses(report, service)
    sampling.check_samplers(report, service)
    sampling.check_options(report, service)
    sampling.check_many(report, service)
    sampling.check_refusals(report, service)
    sampling.check_inflight(report, service)
    sampling.check_handles(report, service)
    rest.check_rest(report, service)
    command_line.check_command_line(report, service)
    rest.check_end(report)
    check_background(report, service, log)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
