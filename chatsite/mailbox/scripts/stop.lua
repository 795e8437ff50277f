-- Stops an entry wherever it stands. A running one is flagged: its worker ends it. If
-- the flag was there for longer than `patience` that worker is gone: it ends here, and
-- whatever the worker may still write is refused.
local id, patience = ARGV[1], tonumber(ARGV[2])
local got = redis.call('HMGET', key('reply', id),
  'state', 'model', 'share', 'tag', 'cost')
if not got[1] then return 'missing' end
if got[1] == 'ended' then return 'ended' end
if got[1] == 'running' then
  redis.call('HSETNX', key('reply', id), 'stop', stamp())
  if now() - tonumber(redis.call('HGET', key('reply', id), 'stop')) < patience then
    return 'flagged'
  end
  finish(id, 'stopped', '{}')
  return 'ended'
end

leave_line(id)
-- Whoever leaves with the newest tag of their share gives it back.
local last = redis.call('ZSCORE', key('tags', got[2]), got[3])
if last and tonumber(last) == tonumber(got[4]) then
  redis.call('ZINCRBY', key('tags', got[2]), -tonumber(got[5]), got[3])
end
finish(id, 'stopped', '{}')
return 'left'
