#include <hiredis/hiredis.h>
#include <boost/json.hpp>
#include "daemon/base/error.hpp"
#include "daemon/net/stream.hpp"  // BAD
