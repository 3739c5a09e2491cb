#pragma once
#include <string>

#include "config/fields.hpp"

namespace qw::config {

/// How to speak TLS to a target: the `tls` mapping, the same for every system that has one.
struct TlsOptions {
  bool enabled = false;  ///< the mapping is there; `tls: {}` is TLS with the system's certificate authorities
  Path ca_file;          ///< PEM; empty: the system's certificate authorities
  Path cert_file;        ///< PEM, our own certificate; set together with key_file
  Path key_file;
  std::string server_name;  ///< expected in the member's certificate; empty: the host of the member's address
  bool insecure_skip_verify = false;
};

/// Declares the `tls` mapping of a target.
void tls_fields(Fields& fields, TlsOptions& options);

}  // namespace qw::config
