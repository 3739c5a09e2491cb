#include "daemon/model/facts.hpp"
#include "daemon/async/task.hpp"  // BAD
#include <boost/asio/steady_timer.hpp>  // BAD
