"""An authority that signs certificates, good ones and bad ones."""

import datetime
import ipaddress
import itertools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


class Authority:
    def __init__(self, directory, name="Thinkwire tests"):
        self.directory = directory
        self.numbers = itertools.count()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._signed(
            self.name, self.key, x509.BasicConstraints(ca=True, path_length=None), (-DAY, DAY)
        )
        self.certificate = directory / f"{name}.pem".replace(" ", "-")
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, common_name="a server", valid=(-DAY, DAY), self_signed=False):
        """A certificate for names and addresses, and its key: the paths of both."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        places = [
            x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
            for name in names
        ]
        extension = (
            x509.SubjectAlternativeName(places)
            if places
            else x509.BasicConstraints(ca=False, path_length=None)
        )
        made = self._signed(subject, key, extension, valid, self_signed)
        paths = [
            self.directory / f"{next(self.numbers)}-{kind}.pem" for kind in ("certificate", "key")
        ]
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return paths

    def _signed(self, subject, key, extension, valid, self_signed=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if self_signed else self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + valid[0])
            .not_valid_after(now + valid[1])
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        )
        return builder.sign(key if self_signed else self.key, hashes.SHA256())
