"""The ``sem-curate`` command. Each verb lives in its own file and is imported only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from sem_curate import __version__, outage
from sem_curate.cli import output
from sem_curate.errors import SemCurateError, did_you_mean

# verb -> (module, help line). The help line stands here so that `--help` imports nothing heavy.
COMMANDS: dict[str, tuple[str, str]] = {
    "doctor": ("sem_curate.cli.doctor", "Check this machine and print what to fix."),
    "demo": ("sem_curate.cli.demo", "Render particles, run the whole loop, open the App."),
    "ingest": ("sem_curate.cli.ingest", "Read a folder or a CSV manifest into a dataset."),
    "masters": ("sem_curate.cli.masters", "Register, list, remove and examine master particles."),
    "run": ("sem_curate.cli.run", "Run quality, embedding and proposals on what changed."),
    "pixel-size": ("sem_curate.cli.pixel_size", "Offer pixel sizes from scale bars where the file tells none."),
    "status": ("sem_curate.cli.status", "Show what is in a dataset and what is left to do."),
    "search": ("sem_curate.cli.search", "Find particles in words, Japanese or English."),
    "labels": ("sem_curate.cli.labels", "List, add and rename labels."),
    "review": ("sem_curate.cli.review", "Show the queue; decide and undo from the terminal."),
    "audits": ("sem_curate.cli.audits", "Draw particles at random to be judged without seeing the proposal."),
    "certificate": ("sem_curate.cli.certificate", "Promise an error rate for automatic decisions, from audits."),
    "history": ("sem_curate.cli.history", "Show, export and take back what was decided; state as of a date."),
    "receipt": ("sem_curate.cli.receipt", "Show why a proposal is what it is."),
    "report": ("sem_curate.cli.report", "Show which imaging condition fails how, and what to retake."),
    "embed": ("sem_curate.cli.embed", "Embed any images with any encoder into an npz file."),
    "export": ("sem_curate.cli.export", "Write an encoder as ONNX, and measure the loss."),
    "train": ("sem_curate.cli.train", "Train the small bundled encoders."),
    "bench": ("sem_curate.cli.bench", "Measure, beside a baseline from the same run."),
    "app": ("sem_curate.cli.app", "Open the FiftyOne App with the SEM Curate panel."),
    "worker": ("sem_curate.cli.worker", "Run delegated operators in the background."),
    "plugins": ("sem_curate.cli.plugins", "Install, remove or show the FiftyOne plugins."),
}


class LazyGroup(click.Group):
    """A click group that imports a verb's module when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the workflow."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one verb's ``command``."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Add a suggestion to click's "No such command"."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"No such command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sem-curate")
def cli() -> None:
    """Curate six-view SEM particle images in FiftyOne."""


def main() -> None:
    """Run the command line; deliberate errors become one line and exit code 1."""
    try:
        code = cli.main(standalone_mode=False)
    except SemCurateError as error:
        output.fail(error)
        code = output.FAILED
    except click.exceptions.Abort:
        click.echo("Interrupted. What was finished is saved; run the same command again to go on.", err=True)
        code = output.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Exception as error:
        gone = outage.as_error(error)
        if gone is None:
            raise
        output.fail(gone)
        code = output.FAILED
    sys.exit(code if isinstance(code, int) else 0)
