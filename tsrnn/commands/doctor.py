"""``tsrnn doctor``: is this installation in order?"""

from __future__ import annotations

from typing import Any

import click

from tsrnn.commands.options import output_options
from tsrnn.naming import some_of


@click.command(name="doctor")
@output_options(("table", "json"))
def command(format_: str | None, output: str | None, quiet: bool) -> None:
    """Show versions, device and threads, and forecast known series to see that the result is right.

    Exits with 0 if everything works, with 1 if a check fails. Paste the output into a bug report.

    \b
    Examples:
      tsrnn doctor
      tsrnn doctor --format json --output doctor.json
    """
    from tsrnn.commands.writing import check_output, chosen_format, write_json, write_text

    format_ = chosen_format(format_, output)
    check_output(output=output)
    from tsrnn.commands.checks import run_checks, surroundings
    from tsrnn.commands.voice import Voice

    facts = surroundings()
    with Voice(quiet).working("doctor") as work:
        checks = run_checks(work)
    failed = [check for check in checks if not check.passed]
    if format_ == "json":
        results = [vars(check) for check in checks]
        write_json({"healthy": not failed, **facts, "checks": results}, output)
    else:
        write_text(_text(facts, checks), output)
    if failed:
        raise SystemExit(1)


def _text(facts: dict[str, Any], checks: list[Any]) -> str:
    lines = [f"{name:<14}{value}" for group in facts.values() for name, value in group.items()]
    lines.append("")
    for check in checks:
        mark = "skipped" if check.skipped else "ok" if check.passed else "FAILED"
        lines.append(f"{mark:<8}{check.name}: {check.said} ({check.seconds:.1f} s)")
    failed = sum(not check.passed for check in checks)
    lines += ["", "Everything works." if not failed else f"{some_of(failed, len(checks), 'check')} failed."]
    return "\n".join(lines)
