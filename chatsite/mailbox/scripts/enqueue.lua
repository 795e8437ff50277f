-- Makes the entry of one attempt and gives it a place in line (self-clocked fair
-- queueing, Golestani 1994: tag = max(v, the share's last tag) + cost).
-- Does nothing if this attempt or a later one is known; replaces an earlier one.
-- In any case it tells the owner's pages, unless no page shows the reply.
local id, attempt, owner, share = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local model, kind, cost, request, losses = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local hidden = ARGV[10]

if hidden ~= '1' then touch(owner) end
local known = redis.call('HGET', key('reply', id), 'attempt')
if known then
  if number(known, 0) >= attempt then return 0 end
  leave_line(id)
  forget(id)
end

local served = number(redis.call('GET', key('served', model)), 0)
local last = tonumber(redis.call('ZSCORE', key('tags', model), share) or '0')
local tag = string.format('%.3f', math.max(served, last) + cost)
local member = string.format('%015d:%s', redis.call('INCR', 'mailbox:sequence'), id)

redis.call('SADD', MODELS, model)
redis.call('ZADD', key('tags', model), tag, share)
redis.call('HSET', key('reply', id), 'attempt', attempt, 'owner', owner, 'share', share,
  'model', model, 'kind', kind, 'cost', cost, 'request', request, 'losses', losses, 'hidden', hidden,
  'tag', tag, 'member', member, 'further', last > served and '1' or '', 'queued', stamp(), 'tokens', 0,
  -- Pages compare runs, so the runs of two attempts must differ.
  'run', (attempt - 1) * 1000,
  'since', number(redis.call('HGET', key('clock', model), 'seconds'), 0))
stand_in_line(id)
return 1
