#include "probes/systems/etcd_facts.hpp"
#include "probes/systems/redis_names.hpp"  // BAD
#include "probes/probe.hpp"
#include "probes/wire/etcd_reply.hpp"
#include "daemon/net/http_client.hpp"
#include "config/fields.hpp"
#include "config/tls.hpp"
#include "config/config.hpp"  // BAD
#include "daemon/store/store.hpp"  // BAD
#include <boost/json.hpp>  // BAD
#include <hiredis/hiredis.h>  // BAD
