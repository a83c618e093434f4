"""``python -m sem_curate`` is the ``sem-curate`` command."""

from sem_curate.cli import main

if __name__ == "__main__":
    main()
