#include "config/tls.hpp"

namespace qw::config {

void tls_fields(Fields& fields, TlsOptions& options) {
  options.enabled = fields.object(
      "tls", "Speak TLS to the members; an empty mapping is TLS with the system's certificate authorities.",
      [&options](Fields& tls) {
        tls.optional(
            "ca_file", &options.ca_file,
            "PEM file of the authorities that sign the members' certificates; else those of the system.");
        tls.optional("cert_file", &options.cert_file,
                     "PEM file of our own certificate, for members that ask for one.");
        tls.optional("key_file", &options.key_file, "PEM file of the private key of cert_file.");
        tls.optional(
            "server_name", &options.server_name,
            "Name that the members' certificates must carry; else the host of the member's address.");
        tls.optional("insecure_skip_verify", &options.insecure_skip_verify,
                     "Accept any certificate. Whoever is in between then reads the password.");
        tls.check("cert_file", options.cert_file.value.empty() || !options.key_file.value.empty(),
                  "needs key_file beside it");
        tls.check("key_file", options.key_file.value.empty() || !options.cert_file.value.empty(),
                  "needs cert_file beside it");
      });
}

}  // namespace qw::config
