-- If no reply waits, is being written or has ended: notes the model that the site serves,
-- and for so many seconds that a keeper has swept. ARGV: model, seconds. Returns 1, or 0
-- if a keeper has something to do. Nothing is written again that is noted already.
if redis.call('EXISTS', FINISHED, LEASES) > 0 then return 0 end
local models = redis.call('SMEMBERS', MODELS)
for _, model in ipairs(models) do
  if redis.call('EXISTS', key('line', model), key('helpers', model)) > 0 then return 0 end
end
-- Nothing waits, so no time counts until the next tick.
for _, model in ipairs(models) do redis.call('HDEL', key('clock', model), 'seen') end
if redis.call('GET', 'mailbox:choice') ~= ARGV[1] then
  redis.call('SET', 'mailbox:choice', ARGV[1])
end
redis.call('SET', 'mailbox:keeper', stamp(), 'EX', ARGV[2])
return 1
