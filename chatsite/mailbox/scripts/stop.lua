-- Stops an entry wherever it stands. A running one is flagged: its worker ends it.
local id = ARGV[1]
local got = redis.call('HMGET', key('reply', id),
  'state', 'model', 'kind', 'member', 'share', 'tag', 'cost')
if not got[1] then return 'missing' end
if got[1] == 'ended' then return 'ended' end
if got[1] == 'running' then
  redis.call('HSET', key('reply', id), 'stop', '1')
  return 'flagged'
end

redis.call('ZREM', line_of(got[2], got[3]), got[4])
-- Whoever leaves with the newest tag of their share gives it back.
local last = redis.call('ZSCORE', key('tags', got[2]), got[5])
if last and tonumber(last) == tonumber(got[6]) then
  redis.call('ZINCRBY', key('tags', got[2]), -tonumber(got[7]), got[5])
end
finish(id, 'stopped', '{}')
return 'left'
