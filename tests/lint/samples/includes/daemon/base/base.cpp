#include <spdlog/logger.h>

#include "daemon/base/error.hpp"
#include "daemon/model/facts.hpp"  // BAD
#include <boost/asio/awaitable.hpp>  // BAD
#include <yaml-cpp/yaml.h>  // BAD
