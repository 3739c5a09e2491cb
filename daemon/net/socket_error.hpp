#pragma once
#include <boost/system/error_code.hpp>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw::net {

/// An error of a socket or of OpenSSL in our words. `verify_result` is OpenSSL's verdict on the peer's
/// certificate chain (X509_V_OK where there is none).
Error socket_error(const boost::system::error_code& error, long verify_result = 0);

/// "deadline exceeded while connecting".
Error deadline_error(std::string_view while_what);

}  // namespace qw::net
