#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <openssl/ssl.h>  // BAD
#include "daemon/export/site.hpp"
#include "probes/target.hpp"
#include "config/config.hpp"
