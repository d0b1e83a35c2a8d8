"""The certificate authority of this cloud: what Amazon's is for RDS Proxy.

Functions find it by `CONSTRUCTS_LIB_CA_FILE`. It is made when the first proxy needs it, and goes with the run.
"""

import os
import ssl
import threading
from pathlib import Path
from typing import Final

from ministack.core import x509_utils

VARIABLE: Final = "CONSTRUCTS_LIB_CA_FILE"
_lock: Final = threading.Lock()
_made: list[tuple[str, str]] = []


def install(*, run_folder: str) -> None:
    """Name the file in the environment that functions inherit.

    Args:
        run_folder: Where it will be.
    """
    os.environ[VARIABLE] = str(Path(run_folder) / "authority.pem")


def server_context(address: str) -> ssl.SSLContext:
    """What a server at an address proves itself with.

    Args:
        address: The certificate is for it.
    """
    file = Path(os.environ[VARIABLE])
    with _lock:
        if not _made:
            _made.append(x509_utils.generate_ca(common_name="constructs-lib local cloud", days_valid=30))
            file.write_text(_made[0][0])
    certificate, key, _ = x509_utils.sign_leaf_certificate(
        *_made[0], address, san_ips=[address], days_valid=30, key_type="ec256"
    )
    chain = file.with_name(f"{address}.pem")
    chain.touch(mode=0o600)
    chain.write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context
