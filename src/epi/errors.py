"""What can go wrong, said once: what was asked, what was found, what to do."""


class EpiError(Exception):
    """A stated error: the message is one line a user can act on; the command line exits with 1."""


class UnknownEvent(EpiError, LookupError):
    """No event of that name in the catalogue."""


class NoPairFound(EpiError, LookupError):
    """No two scenes bracket the event."""


class FileFormatError(EpiError, ValueError):
    """A file is missing, truncated or of another kind than asked for."""


class MissingConvention(EpiError, ValueError):
    """A sign, a unit or a look direction the file does not carry and the caller did not state."""


class EmptyScene(EpiError, ValueError):
    """A scene without a finite, non-zero sample."""


class NoGeoreference(EpiError, ValueError):
    """Absolute coordinates were asked of a scene that has only local ones."""


class ProductError(EpiError, ValueError):
    """A dataset that breaks the product contract."""


class PatchStoreError(EpiError, ValueError):
    """A patch store whose HDF5 and CSV disagree, or whose content breaks its contract."""


class ParameterError(EpiError, ValueError):
    """An unknown parameter or a value of the wrong type."""


class StorageError(EpiError, OSError):
    """A folder that cannot be written or a full disk."""


class MissingPackage(EpiError, ImportError):
    """An optional package that is not installed."""


class OrbitError(EpiError, ValueError):
    """State vectors that do not cover an image, or belong to another satellite."""


class PairError(EpiError, ValueError):
    """Two images that cannot make an interferogram."""


class DemError(EpiError, ValueError):
    """A terrain model that does not cover the scene, or has holes too large to fill."""


class ArchiveError(EpiError, RuntimeError):
    """An archive that does not answer a search, refuses it, or answers with something else."""


class DownloadError(EpiError, RuntimeError):
    """A file that an archive does not give, or gives damaged."""


class AccountError(DownloadError):
    """An archive asks for a login that is missing, refused, or open to others on this machine."""


class InventoryError(EpiError, ValueError):
    """A landslide inventory that is empty, of another date or place, or of shapes that bound no ground."""


class RunError(EpiError, RuntimeError):
    """A step of a run that failed."""
