#include "probes/probe.hpp"

namespace qw::probes {

Result<std::shared_ptr<net::TlsContext>> ProbeContext::tls(const config::TlsOptions& options) {
  if (!options.enabled) return nullptr;
  const net::TlsFiles files{.enabled = true,
                            .ca_file = options.ca_file.value,
                            .cert_file = options.cert_file.value,
                            .key_file = options.key_file.value,
                            .server_name = options.server_name,
                            .insecure_skip_verify = options.insecure_skip_verify};
  auto made = net::TlsContext::make(files);
  if (!made) return std::unexpected(made.error().within("tls"));
  return std::move(*made);
}

}  // namespace qw::probes
