-- Replies whose callers were marked once, but not for so many seconds. ARGV: seconds, count.
return redis.call('ZRANGEBYSCORE', KEPT, '-inf', now() - tonumber(ARGV[1]),
  'LIMIT', 0, ARGV[2])
