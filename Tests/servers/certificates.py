"""A certificate authority that issues valid and invalid certificates."""

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
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        signed = self._sign(self.name, self.key, constraints, (-DAY, DAY))
        #: The file of the authority's own certificate.
        self.certificate = directory / f"{name}.pem".replace(" ", "-")
        self.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, common_name="a server", valid=(-DAY, DAY), self_signed=False):
        """Issues a certificate for host names and addresses. Returns its file and its key's file.

        `valid`: the beginning and the end of the validity, relative to now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        alternatives = [
            x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
            for name in names
        ]
        extension = (
            x509.SubjectAlternativeName(alternatives)
            if alternatives
            else x509.BasicConstraints(ca=False, path_length=None)
        )
        signed = self._sign(subject, key, extension, valid, self_signed)
        number = next(self.numbers)
        certificate_file = self.directory / f"{number}-certificate.pem"
        key_file = self.directory / f"{number}-key.pem"
        certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate_file, key_file

    def _sign(self, subject, key, extension, valid, self_signed=False):
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
