#include <boost/asio/steady_timer.hpp>
#include "probes/target.hpp"
#include "daemon/store/store.hpp"
#include "daemon/net/stream.hpp"  // BAD
