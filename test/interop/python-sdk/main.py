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


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
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
    sampling.check_refusals(report, service)
    sampling.check_inflight(report, service)
    sampling.check_handles(report, service)
    rest.check_rest(report, service)
    command_line.check_command_line(report, service)
    rest.check_end(report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
